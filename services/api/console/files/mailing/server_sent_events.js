/** Reads server-sent events out of a stream of bytes. */

/**
 * An event with its name, and its data read as JSON.
 * @typedef {{name: string, data: any}} ServerSentEvent
 */

/**
 * Yields the events of a stream; comments and events without a name are left out.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 * @param {() => void} onbytes Called for all that comes, also for comments.
 * @returns {AsyncGenerator<ServerSentEvent>}
 */
export async function* readEvents(stream, onbytes) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    onbytes();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    yield* blocks.map(parse).filter((event) => event !== null);
  }
}

/**
 * @param {string} block
 * @returns {ServerSentEvent | null}
 */
function parse(block) {
  const fields = new Map(block.split("\n").map((line) => {
    const [name, ...value] = line.split(": ");
    return [name, value.join(": ")];
  }));
  const name = fields.get("event");
  return name === undefined ? null : { name, data: JSON.parse(fields.get("data") ?? "null") };
}
