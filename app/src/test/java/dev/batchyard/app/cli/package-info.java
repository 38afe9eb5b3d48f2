/** The command line as scripts and people use it: output, exit codes, errors in one line. */
@NullMarked
package dev.batchyard.app.cli;

import org.jspecify.annotations.NullMarked;
