// Uses the server as a program with ioredis would, and prints what it saw as one JSON object.
//   node ioredis.mjs PORT PROTOCOL
import Redis from "ioredis";

const [port, protocol] = process.argv.slice(2).map(Number);
const settings = { port, host: "127.0.0.1", protocol, maxRetriesPerRequest: 1 };
const client = new Redis(settings);
const saw = {};

await client.flushall();
saw.set = await client.set("k", "v", "EX", 100);
saw.get = await client.get("k");
saw.missing = await client.get("missing");
saw.ttl = await client.ttl("k");
saw.incr = await client.incrby("n", 41).then(() => client.incr("n"));
await client.hset("h", { a: "1", b: "two" });
saw.hgetall = await client.hgetall("h");
saw.hmget = await client.hmget("h", "a", "x");
saw.buffer = (await client.getBuffer("k")).toString("hex");

const pipeline = client.pipeline();
for (let number = 0; number < 200; number += 1) pipeline.set(`p:${number}`, number);
saw.pipeline = (await pipeline.exec()).every(([error, reply]) => error === null && reply === "OK");

saw.multi = await client.multi().set("m", "1").incr("m").get("m").exec();
await client.watch("k");
const other = client.duplicate({ connectionName: "other", db: 2 });
await other.select(0);
await other.set("k", "changed");
saw.watched = await client.multi().get("k").exec();
saw.name = await other.client("GETNAME");

saw.scanned = 0;
for await (const keys of client.scanStream({ match: "p:*", count: 20 })) saw.scanned += keys.length;

const subscriber = client.duplicate();
await subscriber.subscribe("news");
await subscriber.psubscribe("w*");
const messages = [];
const received = new Promise((resolve) => {
  const note = (...message) => messages.push(message) === 2 && resolve();
  subscriber.on("message", note);
  subscriber.on("pmessage", note);
});
await client.publish("news", "hello");
await client.publish("weather", "rain");
await received;
saw.messages = messages;

saw.error = await client.get("h").catch((error) => error.message);
saw.unknown = await client.call("NOSUCH", "x").catch((error) => error.message);
saw.loading = (await client.info("persistence")).includes("loading:0");

for (const connection of [client, other, subscriber]) await connection.quit();
console.log(JSON.stringify(saw));
