"""The text that the preset is trained on: where it comes from and its licence.

Permissive licences, MPL-2.0 documentation, and application metadata, whose
entries may also be share-alike.  What is under the GPL, or under a mixture of
licences, is used for evaluation only (EVALUATION below).
"""
from typing import NamedTuple

import documents


class Source(NamedTuple):
    name: str
    licence: str
    packages: tuple         # of the Debian archive, or one wheel ("pypi:name")
    pattern: str            # files within the unpacked packages
    read: object            # path -> [(kind, text)], kind "title" or "text"
    leave_out: str = ""     # files whose path contains a match


SPHINX_NOISE = r"genindex|py-modindex|/search\.html|_sources|_modules|_static"

SOURCES = (
    Source("postgresql", "PostgreSQL", ("postgresql-doc-15",), "usr/share/doc/*/html/*.html",
           documents.read_html, r"bookindex|biblio"),
    Source("python", "PSF-2.0", ("python3.11-doc",), "usr/share/doc/*/html/**/*.html",
           documents.read_html, SPHINX_NOISE),
    Source("sqlite", "public domain", ("sqlite3-doc",), "usr/share/doc/**/*.html", documents.read_html),
    Source("apache", "Apache-2.0", ("apache2-doc", "tomcat10-docs", "ant-doc"), "usr/share/doc/**/*.html",
           documents.read_html, r"manual/(?!en/)|/api/|/javadocs/"),
    Source("openstack", "Apache-2.0",
           ("nova-doc", "neutron-doc", "keystone-doc", "cinder-doc", "swift-doc", "glance-doc", "heat-doc",
            "ironic-doc"), "usr/share/doc/**/*.html", documents.read_html, SPHINX_NOISE),
    Source("docker", "Apache-2.0", ("docker-doc",), "usr/share/doc/**/*.md*", documents.read_markdown),
    Source("erlang", "Apache-2.0", ("erlang-doc",), "usr/share/doc/**/*.html", documents.read_html),
    Source("django", "BSD-3-Clause", ("python-django-doc", "python-celery-doc"), "usr/share/doc/**/*.html",
           documents.read_html, SPHINX_NOISE),
    Source("science", "BSD-3-Clause", ("python-pandas-doc", "python-sklearn-doc", "python-scipy-doc"),
           "usr/share/doc/**/*.html", documents.read_html, SPHINX_NOISE),
    Source("sphinx", "BSD-2-Clause", ("sphinx-doc",), "usr/share/doc/**/*.html", documents.read_html, SPHINX_NOISE),
    Source("sqlalchemy", "MIT", ("python-sqlalchemy-doc",), "usr/share/doc/**/*.html", documents.read_html,
           SPHINX_NOISE),
    Source("nodejs", "MIT", ("nodejs-doc",), "usr/share/doc/nodejs/api/*.md*", documents.read_markdown),
    Source("rust", "MIT OR Apache-2.0", ("rust-doc",), "usr/share/doc/rust-doc/html/**/*.html",
           documents.read_html, r"html/(src|core|alloc|implementors|proc_macro|test|help|arch)|/core_arch/|/arch/"),
    Source("kerberos", "MIT", ("krb5-doc",), "usr/share/doc/**/*.html", documents.read_html, SPHINX_NOISE),
    Source("bind", "MPL-2.0", ("bind9-doc",), "usr/share/doc/**/*.html", documents.read_html, SPHINX_NOISE),
    Source("libreoffice", "MPL-2.0", ("libreoffice-help-en-us",), "usr/share/libreoffice/help/en-US/text/**/*.html",
           documents.read_html),
    Source("perl", "Artistic-1.0-Perl", ("perl-doc",), "usr/share/perl/**/*.pod", documents.read_pod),
    Source("jargon", "public domain", ("dict-jargon",), "usr/share/dictd/*.dict.dz", documents.read_dictionary),
    Source("devil", "public domain", ("dict-devil",), "usr/share/dictd/*.dict.dz", documents.read_dictionary),
    Source("austen", "public domain", ("r-cran-janeaustenr",), "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb",
           documents.read_austen),
    Source("chatterbot", "BSD-3-Clause", ("pypi:chatterbot-corpus==1.3.3",), "chatterbot_corpus/data/english/*.yml",
           documents.read_conversations),
    Source("applications", "AppStream metadata: CC0-1.0, FSFAP, MIT and others", (), "Components-amd64.yml.gz",
           documents.read_applications),
    Source("wordnet", "WordNet 3.0", ("wordnet-base",), "", None),
)

# Never trained on: the GPL, share-alike and mixed licences.
EVALUATION = {
    "manual pages": ("manpages", "manpages-dev", "coreutils", "util-linux", "git-man", "openssh-client", "systemd",
                     "procps"),
    "package descriptions": (),
    "dictionary": ("dict-gcide",),
    "word similarity": ("pypi:gensim==4.4.0",),
}
