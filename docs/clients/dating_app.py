"""A dating app in sixty lines: connect somebody, read their boost, look many up, and forget who disconnected.

`pip install Authlib requests`. Somebody taps `link()`, answers our consent page and comes back to `redirect_uri`: hand
that address to `came_back()`. Without a boost everybody is shown as before; never lower, and never for not connecting.
"""

import secrets

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet


class DatingApp:
    def __init__(self, base, client_id, client_secret, redirect_uri, server):
        self.base, self.server = base, server  # `server`: id and secret of the client that looks people up
        self.provider = requests.get(f"{base}/o/.well-known/openid-configuration", timeout=10).json()
        self.app = {"client_id": client_id, "client_secret": client_secret, "redirect_uri": redirect_uri}
        self.waiting, self.tokens = {}, {}  # what was asked by `state`; tokens by the name (`sub`) we know people by

    def link(self):
        session = OAuth2Session(**self.app, scope="openid boost:read", code_challenge_method="S256")
        asked = {"code_verifier": secrets.token_urlsafe(48), "nonce": secrets.token_urlsafe(16)}
        link, state = session.create_authorization_url(self.provider["authorization_endpoint"], **asked)
        self.waiting[state] = session, asked  # keep it with this person's own session
        return link

    def came_back(self, address, state):
        session, asked = self.waiting.pop(state)  # once, and only by whom it was made for
        if "code=" not in address:
            raise PermissionError("They said no.")  # and nothing changes for them
        proof = {"authorization_response": address, "state": state, "code_verifier": asked["code_verifier"]}
        token = session.fetch_token(self.provider["token_endpoint"], **proof)
        claims = {"sub": state}  # who shares a boost and no name gets one of our own making, which no look-up answers
        if "id_token" in token:
            keys = KeySet.import_key_set(requests.get(self.provider["jwks_uri"], timeout=10).json())
            claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
            rules = {"iss": self.provider["issuer"], "aud": self.app["client_id"], "nonce": asked["nonce"]}
            jwt.JWTClaimsRegistry(**{k: {"essential": True, "value": v} for k, v in rules.items()}).validate(claims)
        self.tokens[claims["sub"]] = token
        return claims["sub"]

    def boost_of(self, subject):
        session = OAuth2Session(**self.app, token=self.tokens.get(subject, {}))
        try:
            if session.get(f"{self.base}/api/v1/boost").status_code == 401:  # ten minutes are over, or it has ended
                self.tokens[subject] = session.refresh_token(self.provider["token_endpoint"])  # the old one is used up
            return float(session.get(f"{self.base}/api/v1/boost").json()["boost"])  # good until its `expires_at`
        except OAuthError:  # invalid_grant: they disconnected
            self.tokens.pop(subject, None)
            return 1.0

    def boosts_of(self, subjects):
        session = OAuth2Session(*self.server, scope="boost:lookup")
        session.fetch_token(self.provider["token_endpoint"], grant_type="client_credentials")
        answer = session.post(f"{self.base}/api/v1/boosts/lookup", json={"subjects": subjects}, timeout=10).json()
        return {subject: float(answer["boosts"].get(subject, {"boost": 1})["boost"]) for subject in subjects}
