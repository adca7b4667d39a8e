"""One settings module, driven by the environment (every variable is in `.env.example`).

The embedded default (no variable set) is SQLite, one web process with threads and no services; production is
PostgreSQL, Redis and RabbitMQ by URLs, with PRODUCTION=true and HTTPS=true.
"""

from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from citizen_app.keys import secret_kept_in

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# -- The deployment ---------------------------------------------------------------------------------------------
PRODUCTION = env.bool("PRODUCTION", False)
DEBUG = env.bool("DEBUG", False)
HTTPS = env.bool("HTTPS", False)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var")))
REDIS_URL = env.str("REDIS_URL", "")
BROKER_URL = env.str("BROKER_URL", "")
RATE_LIMITS = env.bool("RATE_LIMITS", True)
WEB_PROCESSES = env.int("WEB_PROCESSES", 1)

if PRODUCTION:
    SECRET_KEY = env.str("SECRET_KEY")
    SERVER_KEY = env.str("SERVER_KEY")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
else:
    SECRET_KEY = env.str("SECRET_KEY", "") or secret_kept_in(VAR_DIR / "secret_key")
    SERVER_KEY = env.str("SERVER_KEY", "") or secret_kept_in(VAR_DIR / "server_key")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SERVER_KEY_PREVIOUS = env.str("SERVER_KEY_PREVIOUS", "")

if PRODUCTION and (DEBUG or not RATE_LIMITS or "*" in ALLOWED_HOSTS or len(SECRET_KEY) < 50 or len(SERVER_KEY) < 50):
    raise ImproperlyConfigured(
        "With PRODUCTION=true set DEBUG=false, RATE_LIMITS=true, ALLOWED_HOSTS without *, and SECRET_KEY and "
        "SERVER_KEY of at least 50 characters (see .env.example)."
    )
if WEB_PROCESSES > 1 and not REDIS_URL:
    raise ImproperlyConfigured("Several web processes share rate limits and cache through Redis: set REDIS_URL.")

# -- The jurisdiction -------------------------------------------------------------------------------------------
ADULT_AGE = env.int("ADULT_AGE", 18)
CURRENCY = env.str("CURRENCY", "EUR")
DEFAULT_ZONE = env.str("DEFAULT_ZONE", "Europe/Lisbon")
CONSENT_VERSION = env.str("CONSENT_VERSION", "2026-11")
SCORECARD_VERSION = env.str("SCORECARD_VERSION", "2026-11")

# -- Applications -----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "citizen_app",
    "scores",
    "perks",
    "citizen_app.admin_config.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.headless",
    "allauth.usersessions",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "citizen_app.web.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "citizen_app.accounts.sessions.SignedSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "citizen_app.accounts.sessions.RateLimited429Middleware",
    "citizen_app.accounts.bodies.SignInBodiesMiddleware",
]
ROOT_URLCONF = "citizen_app.urls"
WSGI_APPLICATION = "citizen_app.wsgi.application"
ASGI_APPLICATION = "citizen_app.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "citizen_app.web.context.appearance",
            ]
        },
    }
]

# -- Data -------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'citizen.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    _database["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing at their first write; readers never wait (WAL).
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL",
    }
    # Each thread keeps its connection: closing the last one would fold the write-ahead log back after every request.
    _database["CONN_MAX_AGE"] = None
else:
    # A hung lock becomes an answer (503 busy) after three seconds, never a hung worker. Compiling a statement first
    # costs more than it saves: none here runs for long enough.
    _database["OPTIONS"] = {"options": "-c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000 -c jit=off"}
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
OUTBOX_RELAY_THREAD = env.bool("OUTBOX_RELAY_THREAD") if env.str("OUTBOX_RELAY_THREAD", "") else not BROKER_URL
CELERY_BROKER_URL = BROKER_URL or None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_BEAT_SCHEDULE = {
    "deliver-outbox": {"task": "citizen_app.tasks.deliver_outbox", "schedule": 1.0, "options": {"expires": 5}},
    "sweep": {"task": "citizen_app.tasks.sweep", "schedule": 60.0, "options": {"expires": 60}},
}

# -- People and sessions ----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "citizen_app.Citizen"
# The address is unique whatever its case (`citizen_one_account_per_email`), which Django does not recognise.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["citizen_app.accounts.passwords.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = int(timedelta(days=30).total_seconds())
SESSION_COOKIE_NAME = "__Host-sid" if HTTPS else "sid"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "citizen_app.web.errors.csrf_failure"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "citizen_app.accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = "citizen_app.accounts.names.display_name"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "citizen_app.accounts.forms.FirstNameForm"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
if not RATE_LIMITS:
    ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "citizen_app.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Citizen App"
HEADLESS_ADAPTER = "citizen_app.accounts.adapters.HeadlessAdapter"
HEADLESS_CLIENTS = ["app"]
HEADLESS_ONLY = False
HEADLESS_TOKEN_STRATEGY = "citizen_app.accounts.sessions.SignedSessionTokenStrategy"  # noqa: S105  (a class path)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

if env.str("EMAIL_URL", ""):
    vars().update(env.email("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Citizen App <no-reply@localhost>")

# -- Machines ---------------------------------------------------------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "citizen_app.OAuthApplication"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "merchant:scan": "Scan codes, reverse and refund",
        "merchant:perks": "Manage perks, redemptions and reports",
        "source:write": "Furnish records about people who linked this source",
    },
    "SCOPES_BACKEND_CLASS": "citizen_app.accounts.scopes.PerApplicationScopes",
    "OAUTH2_VALIDATOR_CLASS": "citizen_app.accounts.validators.Validator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 86400 * 30,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REQUEST_APPROVAL_PROMPT": "force",
    **{
        f"COMPLIANT_BCP_RFC9700_{name}": True
        for name in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}

# -- The API ----------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["citizen_app.api.authentication.OneCredential"],
    # Closed by default: a view that forgets to say who may enter admits nobody.
    "DEFAULT_PERMISSION_CLASSES": ["citizen_app.api.permissions.Nobody"],
    "DEFAULT_PARSER_CLASSES": ["citizen_app.api.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["citizen_app.api.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["citizen_app.api.throttles.CallerThrottle"],
    "DEFAULT_SCHEMA_CLASS": "citizen_app.api.schema.ContractSchema",
    "EXCEPTION_HANDLER": "citizen_app.api.problems.problem_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    # `?format=` is an unknown parameter like any other.
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NUM_PROXIES": TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Citizen App",
    "DESCRIPTION": "Build a trust score from records you choose to share, and turn it into perks.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {},
    "POSTPROCESSING_HOOKS": [
        "citizen_app.api.schema.describe_problems",
    ],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

# -- Pages ------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "staticfiles"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it is missing
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
X_FRAME_OPTIONS = "DENY"
# Not "no-referrer": browsers then send `Origin: null` and Django's CSRF check refuses every form.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
    SECURE_HSTS_SECONDS = 63072000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

# -- Logs -------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO" if PRODUCTION else "WARNING")
LOGGING_CONFIG = None
from citizen_app.logs import configure_logs  # noqa: E402  (after LOG_LEVEL, which it is given)

configure_logs(level=LOG_LEVEL, as_json=PRODUCTION)
