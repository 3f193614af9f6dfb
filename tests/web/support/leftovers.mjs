/**
 * Nothing stays of a test however it ends, killed without a word too: a shell that is nobody's child reads from this program what
 * there is, and when this program is gone it kills the processes and removes the folders that are left.
 */
import { spawn } from 'node:child_process';

// Once more: what is being killed may still write.
const SHELL = `{
  trap '' INT TERM HUP
  processes=
  folders=
  while read -r verb what; do
    case $verb in
    process) processes="$processes $what" ;;
    ended)
      left=
      for one in $processes; do [ "$one" = "$what" ] || left="$left $one"; done
      processes=$left ;;
    folder) folders="$folders$what
" ;;
    esac
  done
  for one in $processes; do kill -KILL "$one"; done
  printf %s "$folders" | while read -r one; do
    for pause in 0.2 1 3; do rm -rf "$one" && break; sleep $pause; done
  done
} <&3 3<&- &`;

/** @type {import('node:net').Socket | undefined} */
let pipe;

/** @param {string} line */
function tell(line) {
  if (!pipe) {
    // Not its standard input, which node closes when the child is gone that only starts the shell.
    const child = spawn('/bin/sh', ['-c', SHELL], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], cwd: '/' });
    child.unref();
    pipe = /** @type {import('node:net').Socket} */ (child.stdio[3]);
    pipe.unref();
  }
  pipe.write(`${line}\n`);
}

/** @param {string} path made by this program alone */
export const folder = (path) => tell(`folder ${path}`);

/** To be called as soon as it runs, and when it has ended: somebody else may be given its number. @param {number} pid negative: a group */
export const process = (pid) => tell(`process ${pid}`);

/** @param {number} pid */
export const ended = (pid) => tell(`ended ${pid}`);
