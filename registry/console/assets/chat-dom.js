// Makes elements. Whatever people wrote gets in as text only: there is no innerHTML in the Messages page.

// more: class, text, on (event to function), data (name to value), any attribute; what is null or false is left out.
export function el(tag, more = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(more)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "text") made.textContent = value;
    else if (name === "on") for (const [event, run] of Object.entries(value)) made.addEventListener(event, run);
    else if (name === "data") for (const [key, word] of Object.entries(value)) made.dataset[key] = word;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter(Boolean));
  return made;
}

// Brings the children of a parent to be exactly these, in this order, touching only what differs: what is read aloud,
// focused or scrolled stays where it is.
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
}

// Settings of this browser; a browser may forbid to keep any.
export const kept = {
  read(store, name, otherwise) {
    try {
      return JSON.parse(store.getItem(name)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  write(store, name, value) {
    try {
      store.setItem(name, JSON.stringify(value));
    } catch {
      // It is forgotten with the page, then.
    }
  },
};
