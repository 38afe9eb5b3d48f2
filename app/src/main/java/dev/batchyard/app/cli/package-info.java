/** The command line: one class a command, on the same store as the nodes. */
@NullMarked
package dev.batchyard.app.cli;

import org.jspecify.annotations.NullMarked;
