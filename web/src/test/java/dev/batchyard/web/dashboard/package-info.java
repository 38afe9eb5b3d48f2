@NullMarked
package dev.batchyard.web.dashboard;

import org.jspecify.annotations.NullMarked;
