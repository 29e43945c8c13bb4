"""From a parsed request to a kept message: gather facts, judge, pack, and the order of it all."""
