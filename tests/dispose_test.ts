/** What a block holds ends with it; children are in another file. */
import { HELD, testBlocks } from "./dispose.ts";

testBlocks(HELD);
