"""The composition root: turns settings into a running process. The only package that knows every part.

``parts`` lays out what every process needs, ``working`` makes the worker of it, ``service`` the web application and the
worker together. A worker alone imports nothing of the web.
"""
