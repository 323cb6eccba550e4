/** A member of a ring; who heads the ring is one too. Whoever is in the middle leaves as fast as the first. */
export class Link {
  before: Link = this;
  after: Link = this;

  /** Leaves its ring, if it stands in one. */
  unlink(): void {
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this;
    this.after = this;
  }

  /** Puts a link at the end of the ring that this one heads. */
  append(link: Link): void {
    link.before = this.before;
    link.after = this;
    this.before.after = link;
    this.before = link;
  }
}

/** A ring that counts its members, each of which stands in this ring or in none. */
export class Ring<T extends Link> {
  readonly #head = new Link();
  /** How many members it has. */
  size = 0;

  /** Puts one that stands in no ring at the end. */
  add(member: T): void {
    this.#head.append(member);
    this.size += 1;
  }

  /** Takes one out; nothing happens if it stands in no ring. */
  delete(member: T): void {
    if (member.after === member) return;
    member.unlink();
    this.size -= 1;
  }

  /** The members of this moment, in the order that they came: any of them may leave meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    const members: T[] = [];
    for (let at = this.#head.after; at !== this.#head; at = at.after) members.push(at as T);
    return members[Symbol.iterator]();
  }
}
