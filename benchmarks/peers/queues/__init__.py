"""The reminder job in the words of four job queues. Runs in their environments; holds none of their source."""
