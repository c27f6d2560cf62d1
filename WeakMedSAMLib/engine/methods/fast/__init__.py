"""The default method, on a frozen backbone."""
