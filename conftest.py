pytest_plugins = ["jmeb_plugin.plugin"]
