"""Where django-appointment's pages are mounted."""

from django.urls import include, path

urlpatterns = [path("appointment/", include("appointment.urls"))]
