"""From a kept message to its one end: own a partition, judge again, begin, submit, finish, resolve doubt."""
