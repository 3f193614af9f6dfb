"""tools/release in a clone of its own; what it builds with is replaced by scripts, as the build is tested elsewhere."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
STUBS = {
    "cmake": 'case $1 in --version) echo "cmake version 9.0.0" ;; esac',
    "cpack": 'while [ "$1" != -B ]; do shift; done; mkdir -p "$2"; echo a package >"$2/sakurad_0.0.1_amd64.deb"',
    "dpkg-query": "echo install ok installed",
}


@unittest.skipUnless(os.path.exists(os.path.join(ROOT, ".git")), "not a clone")
class Release(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="sakurad-release-")
        self.addCleanup(shutil.rmtree, self.place)
        self.tree, self.stubs = os.path.join(self.place, "tree"), os.path.join(self.place, "stubs")
        os.makedirs(os.path.join(self.tree, "tools", "lib"))
        os.makedirs(self.stubs)
        for name in ("tools/release", "tools/lib/say.sh", "tools/lib/packages.sh", "tools/lib/build.sh"):
            shutil.copy(os.path.join(ROOT, name), os.path.join(self.tree, name))
        self.write("CMakeLists.txt", "project(sakurad VERSION 0.0.1 LANGUAGES C)\n")
        self.write("CHANGELOG.md", "## [0.0.1]\n")
        self.write(".gitignore", "build/\n")
        for name, text in STUBS.items():
            path = os.path.join(self.stubs, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\n" + text + "\n")
            os.chmod(path, 0o755)
        os.makedirs(os.path.join(self.tree, "build", "release"))
        self.git("init", "-q")
        self.commit()

    def write(self, name, text):
        with open(os.path.join(self.tree, name), "w", encoding="utf-8") as f:
            f.write(text)

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words], cwd=self.tree, check=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def release(self, into, *words):
        into = os.path.join(self.place, into)
        env = {**os.environ, "PATH": self.stubs + os.pathsep + os.environ["PATH"]}
        done = subprocess.run(["tools/release", "--into", into, *words], cwd=self.tree, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout, into

    def test_what_it_makes(self):
        code, said, first = self.release("first")
        self.assertEqual(code, 0, said)
        self.assertEqual(sorted(os.listdir(first)), ["SHA256SUMS", "sakurad-0.0.1.tar.gz", "sakurad_0.0.1_amd64.deb"])
        subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=first, check=True)
        subprocess.run(["tar", "-xzf", os.path.join(first, "sakurad-0.0.1.tar.gz")], cwd=self.place, check=True)
        self.assertTrue(os.path.exists(os.path.join(self.place, "sakurad-0.0.1", "tools", "release")))
        _, _, second = self.release("second")
        with open(os.path.join(first, "sakurad-0.0.1.tar.gz"), "rb") as a, open(os.path.join(second, "sakurad-0.0.1.tar.gz"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_changes_that_are_not_committed(self):
        self.write("new", "x")
        code, said, into = self.release("out")
        self.assertEqual(code, 1)
        self.assertIn("not committed", said)
        self.assertEqual(os.listdir(into), [])
        code, said, into = self.release("out", "--dirty")
        self.assertEqual(code, 0, said)
        listed = subprocess.run(["tar", "-tzf", os.path.join(into, "sakurad-0.0.1.tar.gz")], check=True, stdout=subprocess.PIPE, text=True)
        self.assertNotIn("new", listed.stdout.replace("sakurad-0.0.1/", "").splitlines())

    def test_a_version_without_a_section(self):
        self.write("CHANGELOG.md", "## [0.0.0]\n")
        self.commit()
        code, said, _ = self.release("out")
        self.assertEqual(code, 1)
        self.assertIn("no section for 0.0.1", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
