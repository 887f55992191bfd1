"""How changes go together: adjusted association, the guard against mathematical coupling, and mediation."""
