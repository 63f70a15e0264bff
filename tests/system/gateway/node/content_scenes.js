// What an interface does with documents and their sessions.
'use strict';
const { KernelAPI, ServerConnection } = require('@jupyterlab/services');
const { told } = require('./server.js');

const NOTEBOOK = {
  cells: [{ cell_type: 'code', id: 'a', source: '6 * 7', metadata: {}, execution_count: null, outputs: [] }],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 5
};

const words = async failing => {
  try {
    await failing;
    return null;
  } catch (error) {
    return [error.response?.status, error.message];
  }
};

async function notebook_is_saved_and_restored({ contents }) {
  const folder = await contents.newUntitled({ type: 'directory', path: '' }); // where nobody else makes any
  const made = await contents.newUntitled({ type: 'notebook', path: folder.path });
  const saved = await contents.save(made.path, { type: 'notebook', format: 'json', content: NOTEBOOK });
  const checkpoint = await contents.createCheckpoint(made.path);
  const changed = { ...NOTEBOOK, cells: [{ ...NOTEBOOK.cells[0], source: 'changed' }] };
  await contents.save(made.path, { type: 'notebook', format: 'json', content: changed });
  const checkpoints = await contents.listCheckpoints(made.path);
  await contents.restoreCheckpoint(made.path, checkpoint.id);
  const restored = await contents.get(made.path, { content: true, hash: true });
  await contents.deleteCheckpoint(made.path, checkpoint.id);
  const left = await contents.listCheckpoints(made.path);
  await contents.delete(made.path);
  await contents.delete(folder.path);
  return {
    made: [made.type, made.name],
    saved: [saved.type, saved.path === made.path, saved.writable],
    checkpoints: checkpoints.map(each => each.id === checkpoint.id),
    source: restored.content.cells[0].source,
    hash: restored.hash_algorithm,
    left: left.length
  };
}

async function files_are_made_renamed_copied_and_deleted({ contents }) {
  const heard = [];
  const slot = (_, change) => heard.push(change.type);
  contents.fileChanged.connect(slot);
  const folder = await contents.newUntitled({ type: 'directory', path: '' });
  const named = await contents.rename(folder.path, 'ä b%25');
  const text = await contents.save(`${named.path}/one.txt`, { type: 'file', format: 'text', content: 'grün' });
  const binary = await contents.save(`${named.path}/two.bin`, { type: 'file', format: 'base64', content: 'AAH/' });
  const copy = await contents.copy(text.path, named.path);
  const listed = await contents.get(named.path, { content: true });
  const read = await contents.get(text.path, { type: 'file', format: 'text', content: true });
  const download = await fetch(await contents.getDownloadUrl(binary.path), { headers: { authorization: `token ${contents.serverSettings.token}` } });
  const downloaded = [...new Uint8Array(await download.arrayBuffer())];
  const taken = await words(contents.rename(copy.path, text.path));
  for (const each of [text, binary, copy, named]) {
    await contents.delete(each.path);
  }
  const gone = await words(contents.get(named.path));
  contents.fileChanged.disconnect(slot);
  return { named: named.path, copy: copy.path, listed: listed.content.map(each => each.name).sort(), read: read.content, downloaded, taken, gone, heard };
}

async function session_moves_with_its_document(server) {
  const options = { path: 'moves.ipynb', name: 'moves', type: 'notebook', kernel: { name: 'python3' } };
  const session = await server.sessions.startNew(options);
  const first = session.kernel.id;
  const found = await server.sessions.findByPath('moves.ipynb');
  await session.setPath('sub/moved.ipynb');
  await session.setName('moved');
  await session.changeKernel({ name: 'beaker' });
  const second = session.kernel.id;
  await server.sessions.refreshRunning();
  await server.kernels.refreshRunning();
  const mine = [...server.sessions.running()].find(each => each.id === session.id);
  const kernels = [...server.kernels.running()].map(each => each.id);
  const gone = told(server.sessions.runningChanged, models => !models.some(each => each.id === session.id));
  const id = session.id;
  await session.shutdown();
  await server.sessions.refreshRunning();
  await gone;
  await server.kernels.refreshRunning();
  return {
    found: found.id === id,
    now: [mine.path, mine.name, mine.kernel.name, mine.kernel.id === second],
    kernels: [kernels.includes(first), kernels.includes(second)],
    left: [...server.kernels.running()].some(each => each.id === second),
    disposed: session.isDisposed,
    missing: await server.kernels.findById(second)
  };
}

async function everything_ends(server) {
  const session = await server.session();
  const kernel = session.kernel;
  await server.kernels.shutdown(kernel.id);
  await server.sessions.refreshRunning();
  return { disposed: kernel.isDisposed, sessions: [...server.sessions.running()].map(each => each.path), left: (await KernelAPI.listRunning(server.serverSettings)).length };
}

async function mistakes_are_told(server) {
  const unknown = await words(server.kernels.startNew({ name: 'no-such-kernel' }));
  const missing = await words(server.contents.get('no/such/file'));
  const serverSettings = ServerConnection.makeSettings({ ...server.serverSettings, token: 'wrong' });
  const stranger = await words(KernelAPI.listRunning(serverSettings));
  return { unknown, missing, stranger };
}

module.exports = {
  notebook_is_saved_and_restored,
  files_are_made_renamed_copied_and_deleted,
  session_moves_with_its_document,
  everything_ends,
  mistakes_are_told
};
