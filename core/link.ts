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
