// Uses a cluster client all the time, and prints what went wrong as one JSON object:
//   node steadiness.mjs ioredis|node-redis PORT...
// It prints "ready" once it works, reads what the test does to the cluster from nowhere, and ends with its standard input.
import { Cluster } from "ioredis";
import { createCluster } from "redis";

const KEYS = 200;
const SIDE_BY_SIDE = 8; // as a small web server would ask

const [name, ...ports] = process.argv.slice(2);
const clients = { ioredis, "node-redis": nodeRedis };
const client = await clients[name](ports.map(Number));

async function ioredis(ports) {
  const cluster = new Cluster(ports.map((port) => ({ host: "127.0.0.1", port })));
  cluster.on("error", () => {}); // told by the commands as well
  await new Promise((resolve) => cluster.once("ready", resolve));
  return {
    set: (key, value) => cluster.set(key, value),
    get: (key) => cluster.get(key),
    add: (key) => cluster.incr(key),
    hash: async (key) => (await cluster.hset(key, { a: "1", b: "two" }), cluster.hgetall(key)),
    together: (key) => cluster.multi().set(`{${key}}a`, "1").incr(`{${key}}a`).exec().then((pairs) => pairs.map(([, reply]) => reply)),
    batch: async (keys) => {
      const replies = await Promise.all(keys.map((key) => cluster.set(key, "batch")));
      return replies.every((reply) => reply === "OK");
    },
    end: () => cluster.disconnect(),
  };
}

async function nodeRedis(ports) {
  const cluster = createCluster({
    rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })),
    // It asks for the owners again only so long after it has lost one; by default after 5 s, with any server.
    topologyRefreshOnReconnectionAttemptStrategy: 500,
  });
  cluster.on("error", () => {}); // told by the commands as well
  await cluster.connect();
  return {
    set: (key, value) => cluster.set(key, value),
    get: (key) => cluster.get(key),
    add: (key) => cluster.incr(key),
    hash: async (key) => (await cluster.hSet(key, { a: "1", b: "two" }), { ...(await cluster.hGetAll(key)) }),
    together: (key) => cluster.multi().set(`{${key}}a`, "1").incr(`{${key}}a`).exec(),
    batch: async (keys) => {
      const replies = await Promise.all(keys.map((key) => cluster.set(key, "batch")));
      return replies.every((reply) => reply === "OK");
    },
    end: () => cluster.destroy(),
  };
}

const saw = { operations: 0, wrong: [], errors: [], slow: [] };
saw.hash = await client.hash(`${name}:hash`);
saw.together = await client.together(`${name}:tag`);
saw.batch = await client.batch(Array.from({ length: 300 }, (_, number) => `${name}:batch:${number}`));

let mustStop = false;
process.stdin.on("end", () => (mustStop = true));
process.stdin.resume();
console.log("ready");

async function work(worker) {
  for (let turn = 0; !mustStop; turn += 1) {
    const key = `${name}:${worker}:${turn % KEYS}`;
    const begun = Date.now();
    try {
      await client.set(key, `${key}=${turn}`);
      const found = await client.get(key);
      if (found !== null && found !== `${key}=${turn}`) saw.wrong.push([key, turn, found]);
      saw.operations += 1;
    } catch (error) {
      saw.errors.push([Date.now(), `${error.name}: ${error.message}`.slice(0, 200)]);
    }
    if (Date.now() - begun > 1000) saw.slow.push([begun, Date.now() - begun]);
    await new Promise((resolve) => setTimeout(resolve, 20)); // hundreds of commands a second already
  }
}

const ended = Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, worker) => work(worker)));
await new Promise((resolve) => process.stdin.once("end", resolve));
// Whoever still waits five seconds later waits for ever.
saw.hangs = !(await Promise.race([ended.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 5000))]));
console.log(JSON.stringify(saw));
client.end();
process.exit(0);
