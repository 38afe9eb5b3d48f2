/** The pages as a browser gets them: a real server, a real store. */
@NullMarked
package dev.batchyard.web;

import org.jspecify.annotations.NullMarked;
