# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The exceptions of this package."""

import collections

Location = collections.namedtuple("Location", "file line column")
Location.__doc__ = "A place in a model; line and column count from 1 and are 0 where they are not known."


class LongwingError(Exception):
    """The base of the exceptions below."""


class CompileError(LongwingError):
    """A model was refused. `location` is where, `text` the diagnostic as a terminal shows it."""

    def __init__(self, message, location=None, text=None):
        self.message = message
        self.location = location or Location("", 0, 0)
        self.text = text or message
        super().__init__(self.text)


class LaunchError(LongwingError):
    """A package could not be loaded or run. `status` is the kind: "INVALID_ARGUMENT", "DRIVER", ..."""

    def __init__(self, message, status="INTERNAL"):
        self.message, self.status = message, status
        super().__init__(message)
