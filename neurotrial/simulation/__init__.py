"""A simulated trial with images and known truth. Every number is made up; no person is behind any row."""
