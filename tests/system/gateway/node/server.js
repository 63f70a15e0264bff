// The managers of @jupyterlab/services on one gateway, as JupyterLab makes them, and how a scene waits for what they tell.
'use strict';
const {
  ContentsManager,
  KernelManager,
  KernelSpecManager,
  ServerConnection,
  SessionManager
} = require('@jupyterlab/services');

class Server {
  constructor(baseUrl, token) {
    this.serverSettings = ServerConnection.makeSettings({
      baseUrl,
      wsUrl: baseUrl.replace(/^http/, 'ws'),
      token,
      appendToken: true
    });
    const options = { serverSettings: this.serverSettings };
    this.specs = new KernelSpecManager(options);
    this.kernels = new KernelManager(options);
    this.sessions = new SessionManager({ ...options, kernelManager: this.kernels });
    this.contents = new ContentsManager(options);
    this._session = null;
  }

  // A session with a kernel that answers: the same one for all scenes that leave it alive.
  async session() {
    if (this._session === null || this._session.isDisposed) {
      this._session = await this.sessions.startNew({ path: 'shared.ipynb', name: 'shared', type: 'notebook', kernel: { name: 'python3' } });
      await this._session.kernel.info;
    }
    return this._session;
  }

  async kernel() {
    return (await this.session()).kernel;
  }
}

// Resolves with the arguments of a signal that are wanted, in future.
function told(signal, isWanted = () => true) {
  return new Promise(resolve => {
    const slot = (_, args) => {
      if (isWanted(args)) {
        signal.disconnect(slot);
        resolve(args);
      }
    };
    signal.connect(slot);
  });
}

// Runs a cell; gives the content of its reply, and what came on iopub for it, by message type and content.
async function execute(kernel, code, { onStdin = () => {}, onOutput = () => {}, allow_stdin = true } = {}) {
  const future = kernel.requestExecute({ code, allow_stdin });
  const outputs = [];
  future.onStdin = onStdin;
  future.onIOPub = message => {
    outputs.push([message.header.msg_type, message.content]);
    onOutput(message, future);
  };
  const reply = await future.done;
  return { reply: reply.content, outputs };
}

// What a cell printed.
function printed(outputs) {
  return outputs
    .filter(([kind]) => kind === 'stream')
    .map(([, content]) => content.text)
    .join('');
}

module.exports = { Server, execute, printed, told };
