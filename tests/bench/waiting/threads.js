// The same as Threads.fble, in JavaScript: an async function is a thread that can wait only for promises.
'use strict';

class Channel {
  constructor() {
    this.receivers = [];
    this.senders = [];
    this.closed = false;
  }
  send(item) {
    if (this.receivers.length !== 0) {
      this.receivers.shift()(item);
      return Promise.resolve();
    }
    return new Promise((done) => this.senders.push([item, done]));
  }
  receive() {
    if (this.senders.length !== 0) {
      const [item, done] = this.senders.shift();
      done();
      return Promise.resolve(item);
    }
    if (this.closed) return Promise.resolve(null);
    return new Promise((done) => this.receivers.push(done));
  }
  close() {
    this.closed = true;
    for (const receiver of this.receivers) receiver(null);
    this.receivers = [];
  }
}

function wait(line) {
  console.log(line);
  return new Promise((done) => process.stdin.once('data', done));
}

async function get(channel) {
  while ((await channel.receive()) !== null);
}

async function main(kind, n) {
  const channel = new Channel();
  if (kind === 'switch') {
    const done = get(channel);
    for (let i = n; i > 0; --i) await channel.send(i);
    channel.close();
    await done;
  } else if (kind === 'start') {
    for (let i = 0; i < n; ++i) await (async () => {})();
  } else if (kind === 'park') {
    let all = [];
    for (let i = 0; i < n; ++i) all.push(get(channel));
    await wait('parked');
    channel.close();
    await Promise.all(all);
    all = [];
    await wait('ended');
    process.exit(0);
  }
}

main(process.argv[2], Number(process.argv[3]));
