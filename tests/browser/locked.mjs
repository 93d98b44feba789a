// A server with a password: the browser asks for it, and then everything works, the stream of events among it.

import { goTo, visit } from "./visit.mjs";

const [url, password] = process.argv.slice(2);

await visit(
  async (open) => {
    const refused = (await fetch(url, { headers: { Accept: "text/html" } })).status;
    const page = await open();
    const admitted = (await page.goto(url)).status();
    await page.getByText("serving", { exact: true }).waitFor();
    await goTo(page, "events");
    await page.getByText(/^live/).waitFor();
    return { refused, admitted };
  },
  { httpCredentials: { username: "default", password } },
);
