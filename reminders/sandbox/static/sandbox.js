// Keeps what is on the phone up to date without disturbing what somebody is typing. The pages work without it.
"use strict";

const EVERY = 2000; // milliseconds

async function renew(live) {
  if ([...live.querySelectorAll("input")].some((input) => input.value)) return; // somebody is typing
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(live.id);
  if (!fresh || fresh.innerHTML === live.innerHTML) return;
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  const atEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
  live.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.focus();
  if (atEnd) scrollTo({ top: document.documentElement.scrollHeight });
}

function watch(live) {
  setTimeout(async () => {
    if (!document.hidden) await renew(live).catch(() => {});
    watch(live);
  }, EVERY);
}

const live = document.querySelector("[data-live]");
if (live) watch(live);
