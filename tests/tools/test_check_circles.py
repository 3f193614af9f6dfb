"""tools/check-circles on small trees of its own: does it find a circle where there is one, and none where there is none?

What calls what is said as {"a/x": "y z"}: the file src/a/x.c defines the function x and calls y and z.
"""
import os
import subprocess
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools', 'check-circles')


class Circles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def build(self, calls, flags=()):
        for file, called in calls.items():
            source = f'{self.root}/src/{file}.c'
            object_file = f'{self.root}/build/CMakeFiles/core.dir/src/{file}.c.o'
            for path in source, object_file:
                os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(source, 'w', encoding='ascii') as out:
                out.write(''.join(f'void {name}(void);\n' for name in called.split()))
                out.write(f'void {os.path.basename(file)}(void);\nvoid {os.path.basename(file)}(void)\n{{\n')
                out.write(''.join(f'    {name}();\n' for name in called.split()) + '}\n')
            subprocess.run([os.environ.get('CC', 'cc'), *flags, '-c', source, '-o', object_file], check=True)

    def check(self, status):
        run = subprocess.run([TOOL, '--source', self.root, f'{self.root}/build'], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(run.returncode, status, run.stdout)
        return run.stdout

    def test_none(self):
        self.build({'a/x': 'y', 'a/y': 'z', 'b/z': 'elsewhere'})
        self.check(0)

    def test_two_files(self):
        self.build({'a/x': 'y', 'a/y': 'x', 'a/user': 'x'})
        said = self.check(1)
        self.assertIn('circle in src/a: x.c, y.c\n', said)
        self.assertIn('src/a/x.c -> src/a/y.c: y\n', said)
        self.assertIn('src/a/y.c -> src/a/x.c: x\n', said)
        self.assertNotIn('user.c', said)

    def test_three_files_of_objects_for_lto(self):
        self.build({'a/x': 'y', 'a/y': 'z', 'a/z': 'x'}, ['-flto'])
        self.assertIn('circle in src/a: x.c, y.c, z.c\n', self.check(1))

    def test_folders_by_different_files(self):
        self.build({'a/x': 'v', 'b/v': '', 'b/w': 'y', 'a/y': ''})
        self.assertIn('circle in src: a, b\n', self.check(1))

    def test_a_folder_and_one_inside_it_by_different_files(self):
        self.build({'a/x': 'v', 'a/b/v': '', 'a/b/w': 'y', 'a/y': 'x'})
        self.assertIn('circle in src/a: b, x.c, y.c\n', self.check(1))

    def test_a_parent_on_both_sides_of_its_sub_folder(self):
        self.build({'a/top': 'v', 'a/b/v': 'w', 'a/c/w': 'bottom', 'a/bottom': ''})
        self.check(0)

    def test_what_a_deleted_file_left(self):
        self.build({'a/x': 'y', 'a/y': 'x'})
        os.remove(f'{self.root}/src/a/y.c')
        self.check(0)

    def test_a_file_that_was_not_built(self):
        self.build({'a/x': 'y', 'a/y': 'x'})
        os.remove(f'{self.root}/build/CMakeFiles/core.dir/src/a/y.c.o')
        self.assertIn('not built', self.check(2))


if __name__ == '__main__':
    unittest.main()
