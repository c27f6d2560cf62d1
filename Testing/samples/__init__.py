"""What earlier versions wrote, and how tests open copies of it."""
