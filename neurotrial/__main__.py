"""``python -m neurotrial``."""

from neurotrial.cli import main

main()
