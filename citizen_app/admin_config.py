"""How Django finds our admin site (`INSTALLED_APPS` names this instead of `django.contrib.admin`)."""

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "citizen_app.admin_site.OperatorSite"
