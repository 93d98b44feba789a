// Uses the server as a program with node-redis would, and prints what it saw as one JSON object.
//   node node-redis.mjs PORT PROTOCOL
import { createClient } from "redis";

const [port, RESP] = process.argv.slice(2).map(Number);
const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP });
client.on("error", (error) => console.error(error));
await client.connect();
const saw = {};

await client.flushAll();
saw.set = await client.set("k", "v", { EX: 100 });
saw.get = await client.get("k");
saw.missing = await client.get("missing");
saw.ttl = await client.ttl("k");
await client.incrBy("n", 41);
saw.incr = await client.incr("n");
await client.hSet("h", { a: "1", b: "two" });
saw.hgetall = { ...(await client.hGetAll("h")) };
saw.hmget = await client.hmGet("h", ["a", "x"]);

const sets = Array.from({ length: 200 }, (_, number) => client.set(`p:${number}`, String(number)));
saw.pipeline = (await Promise.all(sets)).every((reply) => reply === "OK");

saw.multi = await client.multi().set("m", "1").incr("m").get("m").exec();
await client.watch("k");
const other = client.duplicate({ name: "other", database: 2 });
other.on("error", (error) => console.error(error));
await other.connect();
await other.select(0);
await other.set("k", "changed");
saw.watched = await client.multi().get("k").exec().catch((error) => error.constructor.name);
saw.name = await other.clientGetName();

saw.scanned = 0;
for await (const keys of client.scanIterator({ MATCH: "p:*", COUNT: 20 })) saw.scanned += keys.length;

const subscriber = client.duplicate();
subscriber.on("error", (error) => console.error(error));
await subscriber.connect();
const messages = [];
let resolveReceived;
const received = new Promise((resolve) => (resolveReceived = resolve));
const note = (message, channel) => messages.push([channel, message]) === 2 && resolveReceived();
await subscriber.subscribe("news", note);
await subscriber.pSubscribe("w*", note);
await client.publish("news", "hello");
await client.publish("weather", "rain");
await received;
saw.messages = messages;

saw.error = await client.get("h").catch((error) => error.message);
saw.unknown = await client.sendCommand(["NOSUCH", "x"]).catch((error) => error.message);
saw.loading = (await client.info("persistence")).includes("loading:0");

for (const connection of [client, other, subscriber]) await connection.close();
console.log(JSON.stringify(saw));
