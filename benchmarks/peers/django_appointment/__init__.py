"""A minimal Django project around the published django-appointment package; none of its source is here."""
