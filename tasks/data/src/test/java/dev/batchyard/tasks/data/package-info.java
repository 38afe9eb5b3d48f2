@NullMarked
package dev.batchyard.tasks.data;

import org.jspecify.annotations.NullMarked;
