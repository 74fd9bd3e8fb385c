/**
 * Shares the token between the open tabs of this browser, by messages that only pages of this origin get. It is nowhere
 * on the disk, and gone when the last tab is closed.
 */

const WAIT_MS = 150;
const channel = new BroadcastChannel("herald-token");

/**
 * Answers other tabs that ask for the token, and follows their sign-out.
 * @param {() => string | null} read
 * @param {() => void} leave
 */
export function answerOtherTabs(read, leave) {
  channel.addEventListener("message", ({ data }) => {
    const token = read();
    if (data.kind === "ask" && token !== null) {
      channel.postMessage({ kind: "token", token });
    } else if (data.kind === "signed out") {
      leave();
    }
  });
}

/**
 * Returns the token of another open tab, or null where none answers soon.
 * @returns {Promise<string | null>}
 */
export function askOtherTabs() {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const end = (/** @type {string | null} */ token) => {
      clearTimeout(timer);
      controller.abort();
      resolve(token);
    };
    const timer = setTimeout(() => end(null), WAIT_MS);
    channel.addEventListener("message", ({ data }) => {
      if (data.kind === "token") {
        end(data.token);
      }
    }, { signal: controller.signal });
    channel.postMessage({ kind: "ask" });
  });
}

/** Signs out the other tabs. */
export function announceSignOut() {
  channel.postMessage({ kind: "signed out" });
}
