"""Exceptions under W&B's names."""


class Error(Exception):
    def __init__(self, message="", context=None):
        super().__init__(message)
        self.message = message
        self.context = context


class CommError(Error):
    def __init__(self, message="", exc=None):
        super().__init__(message)
        self.exc = exc


class AuthenticationError(CommError):
    pass


class UsageError(Error):
    pass


class UnsupportedError(UsageError):
    pass


class WaitTimeoutError(Error):
    pass


class ConfigError(Error):
    pass
