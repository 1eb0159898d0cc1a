"""What granian serves. Log lines are dropped: writing them would slow the peer down."""

import logging
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_appointment.settings")
logging.disable(logging.CRITICAL)
application = get_wsgi_application()
