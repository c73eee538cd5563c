"""A private certificate authority, made by a process of its own.

`cryptography` brings an OpenSSL that cannot load the modules of the one whose configuration may be set here.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_authority(path: Path, *hosts: str) -> Path:
    """A self-signed certificate of 127.0.0.1 and the hosts that is its own authority, its key in the same file."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OPENSSL_")}
    subprocess.run([sys.executable, __file__, path, *hosts], check=True, env=plain)
    return path


def write(path: Path, hosts: list[str]) -> None:
    """Make it and write it down."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, hosts)]
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2:])
