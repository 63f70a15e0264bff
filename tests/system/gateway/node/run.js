// Runs scenes with @jupyterlab/services for a test: a line of JSON in names one, {scene, given}; a line out says what it saw, {saw} or {failed}.
'use strict';
const readline = require('node:readline');

// The library writes warnings of its own; stdout holds answers alone.
console.log = console.info = console.debug = console.warn = console.error;

const { Server } = require('./server.js');
const scenes = { ...require('./kernel_scenes.js'), ...require('./content_scenes.js') };

// As in a browser's console: the library asks for kernel_info by itself, and drops what it asked when a kernel dies.
process.on('unhandledRejection', error => console.error('unhandled', error));

const [, , baseUrl, token] = process.argv;
const server = new Server(baseUrl, token);

async function answer(line) {
  const { scene, given } = JSON.parse(line);
  try {
    return { saw: await scenes[scene](server, given) };
  } catch (error) {
    return { failed: String(error?.stack ?? error) };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
  process.exit(0);
})();
