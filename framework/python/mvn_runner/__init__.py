"""mvn-runner in Python."""
