"""What a posterior is worth: convergence, predictive checks, leaving participants out, sensitivity to priors."""
