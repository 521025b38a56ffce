"""Stage 1: the packages that hold the text, unpacked below WORK/unpacked; nothing is installed."""
import gzip
import shutil
import subprocess
import sys
import zipfile

from sources import EVALUATION, SOURCES
from workplace import WORK, folder, record, replacing


def apt(*arguments):
    """apt-get with indexes of our own: the system's may lack descriptions and application metadata."""
    lists = folder("apt", "lists")
    folder("apt", "lists", "partial")
    options = {
        "Dir::State::Lists": lists, "Acquire::Languages": "en",
        "Acquire::IndexTargets::deb::DEP-11::MetaKey": "$(COMPONENT)/dep11/Components-$(NATIVE_ARCHITECTURE).yml",
        "Acquire::IndexTargets::deb::DEP-11::ShortDescription": "Components",
        "Acquire::IndexTargets::deb::DEP-11::Description": "application metadata",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "true",
        "APT::Sandbox::User": "root"}
    return subprocess.run(["apt-get", "-q", *(f"-o{key}={value}" for key, value in options.items()), *arguments],
                          check=True, capture_output=True, text=True, cwd=folder("packages")).stdout


def fetch_indexes():
    """Package descriptions and application metadata, however apt is told to compress its indexes."""
    descriptions, applications = WORK / "Translation-en", folder("unpacked") / "Components-amd64.yml.gz"
    if descriptions.exists() and applications.exists():
        return
    apt("update")
    for name, target in (("i18n_Translation-en", descriptions), ("dep11_Components-amd64.yml", applications)):
        index = next(folder("apt", "lists").glob(f"*bookworm_main_{name}*"))
        content = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", index], check=True, capture_output=True).stdout
        with replacing(target, "wb") as file:
            file.write(gzip.compress(content) if target.suffix == ".gz" else content)
    record(descriptions)


def fetch(package):
    """One package of the Debian archive, or one wheel, unpacked in a folder of its name."""
    name = package.removeprefix("pypi:").partition("==")[0]
    target = folder("unpacked") / name
    if target.exists():
        return
    unfinished = target.with_name(name + ".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    packages = folder("packages")
    if package.startswith("pypi:"):
        subprocess.run([sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps",
                        "-d", packages, package.removeprefix("pypi:")], check=True)
        archive = next(packages.glob(f"{name.replace('-', '_')}-*.whl"))
        zipfile.ZipFile(archive).extractall(unfinished)
    else:
        if not any(packages.glob(f"{name}_*.deb")):
            apt("download", name)
        archive = next(packages.glob(f"{name}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, unfinished], check=True)
    unfinished.rename(target)
    record(target, archive=archive.name)
    archive.unlink()


def main():
    fetch_indexes()
    wanted = [name for source in SOURCES for name in source.packages]
    wanted += [name for names in EVALUATION.values() for name in names]
    for number, package in enumerate(wanted, 1):
        print(f"{number}/{len(wanted)} {package}", flush=True)
        fetch(package)


if __name__ == "__main__":
    main()
