/**
 * Loaded before a program (`node --import`), and before the programs that it starts: takes from Node what Windows lacks. Any program but Node itself
 * can't be started, and of signals only those are sent that Windows has.
 */
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

/** Those that Node can send on Windows, where each of them ends the process at once. */
const SENT = new Set([undefined, 0, 'SIGTERM', 'SIGKILL', 'SIGINT']);

for (const name of ['spawn', 'spawnSync', 'execFile', 'execFileSync']) {
  const original = childProcess[name];
  childProcess[name] = (file, ...rest) => {
    if (file !== process.execPath) throw new Error(`Windows has no ${file}`);
    return original(file, ...rest);
  };
}
for (const name of ['exec', 'execSync']) {
  childProcess[name] = (line) => {
    throw new Error(`Windows has no shell for: ${line}`);
  };
}
const { kill: killChild } = childProcess.ChildProcess.prototype;
childProcess.ChildProcess.prototype.kill = function (signal) {
  checkSignal(signal);
  return killChild.call(this, signal);
};
const { kill } = process;
process.kill = (pid, signal) => {
  checkSignal(signal);
  return kill.call(process, pid, signal);
};
syncBuiltinESMExports();

function checkSignal(signal) {
  if (!SENT.has(signal)) throw new Error(`Windows can't send ${signal}`);
}
