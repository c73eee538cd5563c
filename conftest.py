"""The plugin, for a checkout that is not installed."""

pytest_plugins = ["jmeb_plugin.plugin"]
