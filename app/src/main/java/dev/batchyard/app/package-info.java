/** Wires the rooms together; nothing here knows a rule about tasks. */
@NullMarked
package dev.batchyard.app;

import org.jspecify.annotations.NullMarked;
