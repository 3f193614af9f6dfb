"""Tokens made without the product: what another issuer, or an attacker, would send."""
import base64
import hashlib
import hmac
import json
import time

HS256 = {"alg": "HS256", "typ": "JWT"}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def forge(claims, key, header=HS256, digest=hashlib.sha256):
    """key: bytes, or None for an empty signature."""
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    signature = encode(hmac.new(key, signed.encode(), digest).digest()) if key is not None else ""
    return f"{signed}.{signature}"


def claims(role, sub=None, owner=None, ttl=3600, **more):
    """**more: claims to add; None takes one away."""
    out = {"aud": "sakurad", "role": role, "exp": int(time.time()) + ttl}
    if sub is not None:
        out["sub"] = sub
    if owner is not None:
        out["owner"] = owner
    out.update(more)
    return {k: v for k, v in out.items() if v is not None}


def read(token):
    return json.loads(decode(token.split(".")[1]))


def bearer(token):
    return [("Authorization", f"Bearer {token}")]
