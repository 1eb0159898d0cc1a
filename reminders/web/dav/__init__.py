"""/dav/: the clinic's calendars for phones and calendar programs (CalDAV, RFC 4791)."""
