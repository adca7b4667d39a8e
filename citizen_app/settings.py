"""One settings module, driven by the environment (every variable is in `.env.example`).

The embedded default (no variable set) is SQLite, one web process with threads and no services; production is
PostgreSQL, Redis and RabbitMQ by URLs, with PRODUCTION=true and HTTPS=true.
"""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from citizen_app.keys import pems_in, push_key_kept_in, secret_kept_in, signing_key_kept_in

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
VOUCH_MIN_ENROLMENT_DAYS = env.int("VOUCH_MIN_ENROLMENT_DAYS", 180)
# A merchant's first days after its approval: how many, and what it may offer meanwhile.
RAMP_DAYS = env.int("RAMP_DAYS", 30)
RAMP_PERKS = env.int("RAMP_PERKS", 3)
RAMP_RESERVATIONS = env.int("RAMP_RESERVATIONS", 200)
RAMP_GIFT_CARD_UNITS = env.int("RAMP_GIFT_CARD_UNITS", 10)
REPORTS_A_DAY = env.int("REPORTS_A_DAY", 5)
# A class of `scores.document_checks`, or one like them; the next two are for a provider that signs its answers.
DOCUMENT_CHECK = env.str("DOCUMENT_CHECK", "scores.document_checks.AtTheDesk")
DOCUMENT_CHECK_URL = env.str("DOCUMENT_CHECK_URL", "")
DOCUMENT_CHECK_SECRET = env.str("DOCUMENT_CHECK_SECRET", "")

# -- Passkeys ---------------------------------------------------------------------------------------------------
# The one site they belong to. Another name later makes every passkey useless: people sign in by code and add new ones.
PASSKEY_RP_ID = env.str("PASSKEY_RP_ID", "") or (ALLOWED_HOSTS[0].lstrip(".") if PRODUCTION else "localhost")
PASSKEY_ORIGINS = env.list("PASSKEY_ORIGINS", default=[]) or [f"https://{PASSKEY_RP_ID}"]
PASSKEY_ANDROID_APPS = env.list("PASSKEY_ANDROID_APPS", default=[])
PASSKEY_IOS_APPS = env.list("PASSKEY_IOS_APPS", default=[])

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
                "citizen_app.web.context.unread",
            ]
        },
    }
]

# -- Data -------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'citizen.sqlite3'}")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    _database["ENGINE"] = "citizen_app.queued_sqlite3"  # writers of one process queue in order
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
    _database["OPTIONS"] = {
        "options": "-c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000 -c jit=off",
        # From its fifth time on a statement of `planned_cursor` is planned no more.
        "prepare_threshold": 5 if env.bool("PREPARED_STATEMENTS", True) else None,
    }
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if REDIS_URL:
    CACHES = {
        # Sign-in limits and used codes: away, it refuses (`citizen_app.redis_circuit`).
        "default": {"BACKEND": "citizen_app.redis_circuit.GuardedRedisCache", "LOCATION": REDIS_URL},
        # Sessions are read from the database, which costs what Redis would: a copy there could outlive a sign-out that
        # Redis did not hear of.
        "sessions": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }
    SESSION_CACHE_ALIAS = "sessions"
else:
    # Sessions live there, too: with the 300 entries of the default most requests would read theirs again.
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}}
    }
OUTBOX_RELAY_THREAD = env.bool("OUTBOX_RELAY_THREAD") if env.str("OUTBOX_RELAY_THREAD", "") else not BROKER_URL
CELERY_BROKER_URL = BROKER_URL or None  # how it is spoken to: `citizen_app.celery`
CELERY_BEAT_SCHEDULE = {
    "deliver-outbox": {"task": "citizen_app.tasks.deliver_outbox", "schedule": 1.0, "options": {"expires": 5}},
    "deliver-webhooks": {"task": "citizen_app.tasks.deliver_webhooks", "schedule": 1.0, "options": {"expires": 5}},
    "sweep": {"task": "citizen_app.tasks.sweep", "schedule": 60.0, "options": {"expires": 60}},
}

# -- People and sessions ----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "citizen_app.Citizen"
# The address is unique whatever its case (`citizen_one_account_per_email`), which Django does not recognise.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["citizen_app.accounts.recognising.Backend"]
PASSWORD_HASHERS = ["citizen_app.accounts.passwords.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "citizen_app.accounts.recognising"
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
ACCOUNT_FORMS = {"login": "citizen_app.accounts.login_form.LoginForm"}
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
# A carrier's gateway is one address of many people: messages are capped by `citizen_app.accounts.sms` instead.
ACCOUNT_RATE_LIMITS = {"verify_phone": "1/30s/key"} if RATE_LIMITS else False
MFA_ADAPTER = "citizen_app.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = True
# An address is many people behind one carrier's gateway; what it could flood is bounded by `passkey_challenges` too.
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"} if RATE_LIMITS else False
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

# Who carries short messages (`citizen_app.accounts.sms`), and to which countries. Without, no phone numbers are taken.
SMS_BACKEND = env.str("SMS_BACKEND", "" if PRODUCTION else "citizen_app.accounts.sms.Console")
SMS_COUNTRIES = env.list("SMS_COUNTRIES", default=["PT"])

# -- Machines ---------------------------------------------------------------------------------------------------
# Fixed, so that no Host header decides whom an app believes; and what signs the tokens it verifies.
OIDC_ISSUER = env.str("OIDC_ISSUER", "") or (f"https://{ALLOWED_HOSTS[0]}/o" if HTTPS else "http://127.0.0.1:8000/o")
_signing_keys = pems_in(env.str("OIDC_SIGNING_KEY", "")) or [signing_key_kept_in(VAR_DIR / "oidc_signing_key.pem")]
OAUTH2_PROVIDER_APPLICATION_MODEL = "citizen_app.OAuthApplication"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "merchant:scan": "Scan codes, reverse and refund",
        "merchant:perks": "Manage perks, redemptions and reports",
        "source:write": "Furnish records about people who linked this source",
        "sandbox": "Try boosts out on test citizens, who are nobody",
        "boost:lookup": "Look up the boosts of people connected to one's own app",
        "openid": "Know you by a name that no other app has",
        "boost:read": "Read whether you have a boost there, and how much it is",
    },
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": OIDC_ISSUER,
    "OIDC_RSA_PRIVATE_KEY": _signing_keys[0],
    # Signs nothing any more; what it signed still verifies.
    "OIDC_RSA_PRIVATE_KEYS_INACTIVE": [*_signing_keys[1:], *pems_in(env.str("OIDC_PREVIOUS_SIGNING_KEYS", ""))],
    "OIDC_SUBJECT_TYPES_SUPPORTED": ["pairwise"],
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "ID_TOKEN_EXPIRE_SECONDS": 300,
    "SCOPES_BACKEND_CLASS": "citizen_app.accounts.scopes.PerApplicationScopes",
    "OAUTH2_VALIDATOR_CLASS": "citizen_app.accounts.validators.Validator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 86400 * 30,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"] if PRODUCTION else ["https", "http"],
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

# Whether what furnishers send below /api/v1/sources must be signed (RFC 9421), or only may be.
SOURCE_SIGNATURES = env.str("SOURCE_SIGNATURES", "") or ("required" if PRODUCTION else "optional")
if SOURCE_SIGNATURES not in ("required", "optional"):
    raise ImproperlyConfigured("SOURCE_SIGNATURES is required or optional.")

# -- Calls to addresses others chose (webhooks, push) -------------------------------------------------------------
# https on port 443 and on these, on the public internet only.
CALL_OUT_PORTS = env.list("CALL_OUT_PORTS", default=[])
# This machine too, also without TLS: for a demonstration, and for tests.
CALL_OUT_TO_LOOPBACK = env.bool("CALL_OUT_TO_LOOPBACK", False) and not PRODUCTION
# Calls of one process at once, a quarter of them for endpoints that are slow or fail.
WEBHOOK_CALLERS = env.int("WEBHOOK_CALLERS", 8)

# -- Notifications ----------------------------------------------------------------------------------------------
# What links in mails begin with: fixed, so that no Host header decides it.
SITE_URL = env.str("SITE_URL", "") or OIDC_ISSUER.removesuffix("/o")
# What this deployment signs to push services with (VAPID: a PEM of a P-256 key), and whom they write to about it.
_push_keys = pems_in(env.str("VAPID_PRIVATE_KEY", "")) or [push_key_kept_in(VAR_DIR / "vapid_key.pem")]
VAPID_PRIVATE_KEY = _push_keys[0]
VAPID_SUBJECT = env.str("VAPID_SUBJECT", "") or f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}"
# The push services of browsers, and nobody else's (".name" is any host below it).
PUSH_HOSTS = env.list(
    "PUSH_HOSTS",
    default=["fcm.googleapis.com", "updates.push.services.mozilla.com", ".push.apple.com", ".notify.windows.com"],
)

# -- Payments (Stripe) --------------------------------------------------------------------------------------------
# Without a key billing is off and everything else works. A restricted key (rk_) is enough.
STRIPE_API_KEY = env.str("STRIPE_API_KEY", "")
STRIPE_LIVEMODE = env.bool("STRIPE_LIVEMODE", False)
# What signs events of the platform's own account and of connected ones; two each while a secret is being rolled.
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_CONNECT_WEBHOOK_SECRETS = env.list("STRIPE_CONNECT_WEBHOOK_SECRETS", default=[])
# The stand-in's address on this machine (never with a live key).
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "")

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
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_HANDLERS = [
    "citizen_app.api.multipart.UploadBounds",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# The form of a scorecard has a field for every bin of every rule; a megabyte bounds them all.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

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
    # What people hand in (evidence): under VAR_DIR, no address of its own. Several web processes share the folder.
    "private": {"BACKEND": "citizen_app.kept_files.PrivateStorage"},
    # The pictures of perks, drawn anew: anybody may see them, below /pictures/. A bucket with a CDN can take its place.
    "public": {"BACKEND": "citizen_app.kept_files.PublicStorage"},
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
