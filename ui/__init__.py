"""The viewer. Importing it is light: Gradio is imported by ``app``, in a thread, once the service is up."""
