// What a notebook does with its kernel.
'use strict';
const { execute, printed, told } = require('./server.js');

const bytes = (...numbers) => Uint8Array.from(numbers);
const numbers = buffers => buffers.map(each => [...new Uint8Array(each.buffer ?? each, each.byteOffset ?? 0, each.byteLength)]);

async function kernelspecs(server) {
  await server.specs.ready;
  const specs = server.specs.specs;
  return { default: specs.default, names: Object.keys(specs.kernelspecs), beaker: specs.kernelspecs.beaker };
}

async function language(server) {
  const kernel = await server.kernel();
  const info = await kernel.info;
  const spec = await kernel.spec;
  return { language: info.language_info.name, status: info.status, spec: spec.name, kernel: kernel.name, subshells: kernel.supportsSubshells };
}

async function run(server, { code }) {
  const { reply, outputs } = await execute(await server.kernel(), code);
  return { reply, outputs, printed: printed(outputs) };
}

async function busy_and_idle(server) {
  const kernel = await server.kernel();
  const statuses = [];
  const slot = (_, status) => statuses.push(status);
  kernel.statusChanged.connect(slot);
  const idle = told(kernel.statusChanged, status => status === 'idle');
  await execute(kernel, '1');
  await idle;
  kernel.statusChanged.disconnect(slot);
  return statuses;
}

async function answer_a_prompt(server) {
  const kernel = await server.kernel();
  const prompts = [];
  const onStdin = message => {
    prompts.push([message.content.prompt, message.content.password]);
    kernel.sendInputReply({ status: 'ok', value: 'forty-two' }, message.header);
  };
  const { reply, outputs } = await execute(kernel, "answer = input('how many? ')\nprint(answer)", { onStdin });
  return { status: reply.status, prompts, printed: printed(outputs) };
}

async function comm_of_ours(server) {
  const kernel = await server.kernel();
  await execute(
    kernel,
    [
      'def opened(comm, message):',
      "    comm.send({'opened': message['content']['data'], 'sizes': [len(each) for each in message['buffers']]}, buffers=message['buffers'])",
      '    @comm.on_msg',
      '    def heard(message):',
      "        comm.send({'heard': message['content']['data']}, buffers=[bytes(each)[::-1] for each in message['buffers']])",
      "        comm.close({'bye': True})",
      "get_ipython().kernel.comm_manager.register_target('echo', opened)"
    ].join('\n')
  );
  const comm = kernel.createComm('echo');
  const heard = [];
  const closed = new Promise(resolve => {
    comm.onClose = message => resolve(message.content.data);
  });
  comm.onMsg = message => {
    heard.push([message.content.data, numbers(message.buffers)]);
  };
  await comm.open({ a: 1 }, {}, [bytes(1, 2, 3), bytes(), bytes(0, 255)]).done;
  await comm.send({ b: 2 }, {}, [bytes(), bytes(9, 8, 7)]).done;
  return { heard, closed: await closed };
}

async function comm_of_the_kernels(server) {
  const kernel = await server.kernel();
  const opened = new Promise(resolve => {
    kernel.registerCommTarget('ours', (comm, message) => {
      comm.onMsg = sent => comm.send({ back: sent.content.data }, {}, sent.buffers);
      resolve([message.content.data, numbers(message.buffers)]);
    });
  });
  const code = [
    'import comm',
    "theirs = comm.create_comm(target_name='ours', data={'c': 3}, buffers=[b'\\x05', b''])",
    'answers = []',
    "theirs.on_msg(lambda message: answers.append((message['content']['data'], [bytes(each) for each in message['buffers']])))",
    "theirs.send({'d': 4}, buffers=[b'', b'\\x06\\x07'])"
  ].join('\n');
  await execute(kernel, code);
  const open = await opened;
  // The way back may be a subshell of its own: asked until it is there.
  for (;;) {
    const { outputs } = await execute(kernel, 'print(answers)');
    if (printed(outputs).trim() !== '[]') {
      kernel.removeCommTarget('ours', () => {});
      return { open, answers: printed(outputs).trim() };
    }
  }
}

async function interrupt(server) {
  const kernel = await server.kernel();
  let asked = null;
  const onOutput = message => {
    if (message.header.msg_type === 'stream' && asked === null) {
      asked = kernel.interrupt();
    }
  };
  const { reply } = await execute(kernel, "import time\nprint('on', flush=True)\ntime.sleep(600)", { onOutput });
  await asked;
  return { status: reply.status, ename: reply.ename };
}

async function look(server) {
  const kernel = await server.kernel();
  // Jedi would read all of the standard library first, for seconds.
  await execute(kernel, 'get_ipython().Completer.use_jedi = False\nnumber_of_things = 7');
  const complete = await kernel.requestComplete({ code: 'number_of_th', cursor_pos: 12 });
  const inspect = await kernel.requestInspect({ code: 'number_of_things', cursor_pos: 16, detail_level: 0 });
  const whole = await kernel.requestIsComplete({ code: 'for i in x:' });
  const history = await kernel.requestHistory({ hist_access_type: 'search', pattern: '*number_of_things = 7', output: false, raw: true });
  return {
    matches: complete.content.matches,
    found: inspect.content.found,
    text: inspect.content.data['text/plain'],
    whole: whole.content.status,
    last: history.content.history.at(-1)[2].split('\n').at(-1)
  };
}

async function restart(server) {
  const kernel = await server.kernel();
  await execute(kernel, 'x = 1');
  const statuses = [];
  const slot = (_, status) => statuses.push(status);
  kernel.statusChanged.connect(slot);
  const id = kernel.id;
  await kernel.restart();
  await kernel.info;
  const { reply } = await execute(kernel, 'x');
  kernel.statusChanged.disconnect(slot);
  return { restarting: statuses.includes('restarting'), died: statuses.includes('autorestarting'), same: kernel.id === id, ename: reply.ename, count: reply.execution_count, connection: kernel.connectionStatus };
}

async function death(server) {
  const kernel = await server.kernel();
  const restarting = told(kernel.statusChanged, status => status === 'autorestarting');
  const { reply } = await execute(kernel, "print('last', flush=True)\nimport os\nos.kill(os.getpid(), 9)");
  const status = await restarting;
  const { reply: again } = await execute(kernel, '6 * 7');
  return { status, died: [reply.status, reply.ename], again: again.status };
}

// A cell that prints numbers, stands still until a file is there, and prints on. `goes_on` waits for the rest.
let counting = null;

async function counts_to_a_wait(server, { flag, to, pause }) {
  const kernel = await server.kernel();
  const code = [
    'import os, time',
    `for n in range(${to}):`,
    '    print(n, flush=True)',
    `    while n == ${pause} and not os.path.exists(${JSON.stringify(flag)}):`,
    '        time.sleep(0.02)'
  ].join('\n');
  const connections = [];
  kernel.connectionStatusChanged.connect((_, status) => connections.push(status));
  await new Promise(resolve => {
    let text = '';
    const done = execute(kernel, code, {
      onOutput: message => {
        text += message.content.text ?? '';
        if (text.endsWith(`${pause}\n`)) {
          resolve();
        }
      }
    });
    counting = { done, connections };
  });
}

async function cuts_its_socket(server) {
  const kernel = await server.kernel();
  const lost = told(kernel.connectionStatusChanged, status => status === 'connecting');
  kernel._ws.terminate(); // as a network that goes: no close frame
  await lost;
}

async function goes_on() {
  const { done, connections } = counting;
  const { reply, outputs } = await done;
  return { status: reply.status, numbers: printed(outputs).split(/\s+/).filter(Boolean).map(Number), connections };
}

async function second_client(server) {
  const kernel = await server.kernel();
  const other = server.kernels.connectTo({ model: kernel.model });
  await other.info;
  // A timer of ipykernel's decides where it cuts what is printed.
  let text = '';
  const heard = told(other.iopubMessage, message => {
    text += message.content.text ?? '';
    return text.endsWith('\n');
  });
  await execute(kernel, "print('for both')");
  await heard;
  const different = other.clientId !== kernel.clientId;
  other.dispose();
  return { text, different };
}

module.exports = {
  kernelspecs,
  language,
  run,
  busy_and_idle,
  answer_a_prompt,
  comm_of_ours,
  comm_of_the_kernels,
  interrupt,
  look,
  restart,
  death,
  counts_to_a_wait,
  cuts_its_socket,
  goes_on,
  second_client
};
