"""Re-runnable measurements. Each prints ratios against a peer or a limit measured in the same run; see README.md."""
